// Package suite holds any engine of channelq to its contract. It is apart from the
// engine's own tests because it knows nothing but the methods: a new engine is
// tried by changing one import.
package suite
