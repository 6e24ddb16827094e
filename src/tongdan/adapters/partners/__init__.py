"""The partners' own formats: for each a door (their pushes become commands) and an actor (effects become requests).

A door authenticates before it parses; whatever it is given ends as commands, as "not understood", as "unauthentic"
or as a client's named mistake, and as nothing else.
"""
