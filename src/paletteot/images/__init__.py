"""Where pictures come from: one small class for each source, behind one contract."""
