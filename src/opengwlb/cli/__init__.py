"""The command `gwlb`: a face, which uses the server's API and AWS's own, and nothing behind them."""
