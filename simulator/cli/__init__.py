"""The command line `paxsim`: options in, one function call, an exit status out."""
