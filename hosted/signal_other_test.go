//go:build !unix

package hosted_test

func runProgram() bool { return false } // there are no signals to send
