"""Publishing: an approved candidate becomes an immutable release; the publisher verifies the verdict itself."""
