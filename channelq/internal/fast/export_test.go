package fast

// NewAt starts the indices at a position of the test's choice.
func NewAt[T any](cfg Config, start uint64) *Engine[T] { return newAt[T](cfg, start) }
