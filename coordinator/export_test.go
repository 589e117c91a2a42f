package coordinator

// Books is how many names somebody waits for or waits as: 0 when no wait is on.
func (c *Coordinator) Books() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.waiting) + len(c.waiters)
}
