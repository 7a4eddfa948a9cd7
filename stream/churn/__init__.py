"""Is this a drop, or chance? Tests of retention and of the live pace, and the incidents they open; pure."""
