"""What is known of sentences: their embeddings, what is made of these, and how they look to who paraphrases them."""
