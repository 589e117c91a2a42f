package main

import (
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how a walk is going: a bar to who sits at a terminal, and a line
// for each link to a file, which a bar would fill with rubbish. The nil one shows
// nothing.
type progress struct {
	out *os.File
	bar *progressbar.ProgressBar // if nil, lines are printed
}

func newProgress(out *os.File) *progress {
	p := &progress{out: out}
	if term.IsTerminal(int(out.Fd())) {
		p.bar = progressbar.NewOptions(1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription("checking links"),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish())
	}
	return p
}

// checked is called for each link, with how many are known by then.
func (p *progress) checked(known int, f found) {
	switch {
	case p == nil:
	case p.bar != nil: // an error is the terminal's, and no reason to stop
		p.bar.ChangeMax(known)
		_ = p.bar.Add(1)
	case f.err != nil:
		fmt.Fprintf(p.out, "broken  %s: %v\n", f.address, f.err)
	default:
		fmt.Fprintf(p.out, "ok      %s\n", f.address)
	}
}

func (p *progress) end() {
	if p != nil && p.bar != nil {
		_ = p.bar.Clear()
	}
}
