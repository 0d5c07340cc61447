"""What is trained on: prepared clips, their pictures, and the messages of the language model."""
