"""Tables, and the rules that must hold for them. Knows no web and no WeChat."""
