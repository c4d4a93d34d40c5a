"""All rows, as sums over blocks of them: what F is made of but for its penalty."""
