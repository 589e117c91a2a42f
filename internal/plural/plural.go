// Package plural writes counts in texts for people.
package plural

import "fmt"

// Of returns "1 item" or "2 items" for the noun "item".
func Of(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
