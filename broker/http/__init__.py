"""The broker's HTTP edge: connections and their certificates, limits, problems, documents in and out."""
