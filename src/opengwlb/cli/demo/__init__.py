"""`gwlb demo`: an ordinary AWS client that builds the document's picture and then looks at its packets."""
