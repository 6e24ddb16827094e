"""The ways in for those outside: the push port for partners and own shops, the JSON API and pages for people."""
