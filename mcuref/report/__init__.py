"""What is shown to people and to other programs: results as plain data, tables and pictures made of them."""
