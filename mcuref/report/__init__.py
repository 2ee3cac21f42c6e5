"""What is shown to people and to other programs: reports as plain data, tables made of them."""
