"""How Django prints times where it does so itself, as in the admin."""
