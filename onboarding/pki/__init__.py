"""Keys, certificate signing requests and certificates: values in, values out. The clock is an argument."""
