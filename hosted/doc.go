// Package hosted starts, watches and stops the background work of one program.
package hosted
