"""What the checks cost, held against the libraries and programs they stand on. `make bench-pki`."""
