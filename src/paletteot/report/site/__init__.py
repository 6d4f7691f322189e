"""The leaderboard as a static site: it opens from disk and from any host, and asks a network for nothing."""
