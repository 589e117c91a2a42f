//go:build !unix

// Package testserver starts real database servers for tests. It needs Unix.
package testserver
