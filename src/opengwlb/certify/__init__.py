"""`gwlb certify` and `gwlb replay`: an appliance tried as a load balancer would try it, and as its worst day would.

Checks (`checks/`) are small functions of a `Lab`; what they mean is judged apart from sending and catching
(`judgement.py`, `report.py`, `shots.py`, `conversation.py` do no I/O).
"""
