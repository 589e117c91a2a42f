package hosting

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Binary is the size of a linked program.
type Binary struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

// programs are the directories below minimal, the one that does nothing first.
var programs = []string{"empty", "errgroup", "oklog-run", "floor", "stead", "suture", "dskit-manager", "fx"}

// Binaries links a minimal program of each contender in a directory of its own
// and measures it. dir is inside the module bench.
func Binaries(ctx context.Context, dir string) ([]Binary, error) {
	tmp, err := os.MkdirTemp("", "hosting")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	var all []Binary
	for _, name := range programs {
		out := filepath.Join(tmp, name)
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, //nolint:gosec // the names are those above
			"github.com/steadgo/stead/bench/hosting/minimal/"+name)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("hosting: build %q: %w: %s", name, err, text)
		}
		info, err := os.Stat(out)
		if err != nil {
			return nil, err
		}
		all = append(all, Binary{name, info.Size()})
	}
	return all, nil
}
