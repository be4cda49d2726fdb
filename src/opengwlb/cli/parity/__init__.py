"""One scripted scenario, recorded at any endpoint, AWS included, and two recordings compared."""
