// Package durable measures what the package durable of Stead costs over its engine
// used directly, in one run and in turns: the same store, the same settings, the
// same no-op job.
package durable
