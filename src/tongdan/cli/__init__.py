"""The commands. One file a group; each reads the data through `profile` and puts surfaces and labs together."""
