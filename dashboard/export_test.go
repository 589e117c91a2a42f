package dashboard

import (
	"time"

	"github.com/steadgo/stead/internal/displayname"
)

// Sample takes a sample as the service does.
func (d *Dashboard) Sample(s *Sampler) {
	now := time.Now()
	d.history.record(now, (*sampler)(s).take(d.host, now))
}

// Sampler is what the service keeps between samples.
type Sampler sampler

// NewSampler returns one that has taken none.
func NewSampler() *Sampler { return &Sampler{names: displayname.New()} }

// SetMany makes n queues many.
func SetMany(d *Dashboard, n int) { d.history.many = n }

// Firsts are the first of some numbers as a list has them.
func Firsts(all []int, order func(a, b *int) int) []*int { return firsts(all, order) }

// RuleInWords is for a table of rules.
func RuleInWords(rule string) string { return new(view).RuleInWords(rule) }

// Thinned is for a table of histories.
func Thinned(points []Point, step, width time.Duration, n int) ([]Point, time.Duration) {
	return thinned(points, step, width, n)
}

// Stack is for a table of stacks.
func Stack(text string) string { return stack(text) }
