"""The constants of docs/explanation/scale.md, and what they predict."""
