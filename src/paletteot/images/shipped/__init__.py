"""Tables of photographs that ship inside packages, and of the packages: facts alone, no pixels."""
