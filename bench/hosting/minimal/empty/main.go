// Command empty is the size of a program that does nothing.
package main

func main() {}
