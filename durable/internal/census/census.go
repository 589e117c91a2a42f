// Package census estimates how many rows of a large table are of which kind, by a
// look at a thousand of them.
package census

// Exact is up to how many rows of one kind are counted one by one.
const Exact = 10_000

// looks is how many rows are looked at. A kind that a tenth of the rows are of is then
// told within a tenth, two times of three.
const looks = 1000

// Sample returns ids from first to last, both included, to look at: one at an odd
// place of each of a thousand pieces. They are the same each time, so that the estimate does not
// jump about while nothing changes.
func Sample(first, last int64) []int64 {
	n := last - first + 1
	if n <= looks {
		all := make([]int64, 0, max(n, 0))
		for id := first; id <= last; id++ {
			all = append(all, id)
		}
		return all
	}
	ids := make([]int64, looks)
	mixed := uint64(1)
	for i := range ids {
		begin, end := first+int64(i)*(n/looks), first+int64(i+1)*(n/looks)
		if i == looks-1 {
			end = last + 1
		}
		mixed = mixed*6364136223846793005 + 1442695040888963407 // Knuth's
		ids[i] = begin + int64(mixed>>33)%(end-begin)
	}
	return ids
}

// Estimate returns how many there are in all if found of the sampled ids were, and
// at least one more than are counted one by one.
func Estimate(first, last int64, found int) int {
	n := last - first + 1
	return max(int(float64(n)*float64(found)/float64(min(n, looks))), Exact+1)
}
