//go:build !unix

package leader_test

// The tests with processes send signals.
func play(string) int { return 2 }
