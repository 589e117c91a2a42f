// Package examples holds programs that run: go run ./examples/NAME from the
// root of the repository.
package examples
