"""What every suite needs: processes, timing, reports, tables."""
