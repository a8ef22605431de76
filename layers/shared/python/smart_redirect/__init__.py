"""Smart Redirect: who is calling an Asterisk PBX, and where the call should go."""
