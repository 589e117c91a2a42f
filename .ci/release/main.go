// Command release makes of this checkout what users fetch, and tries it as they do.
//
//	go run ./.ci/release check                the consumer check, on what is here
//	go run ./.ci/release check -raw           the same without preparing the tree
//	go run ./.ci/release prepare VERSION DIR  a release tree in the empty folder DIR, checked
//
// It sets no tag and pushes nothing. RELEASING.md says what a release is.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

const root = "github.com/steadgo/stead"

// published are the folders of the modules that people fetch. A module stands
// after those it requires.
var published = []string{".", "metrics", "durable", "leader", "otel", "template/worker"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

var release = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

func run(args []string) (err error) {
	temp, err := os.MkdirTemp("", "stead-release-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	switch {
	case len(args) >= 1 && args[0] == "check":
		t := tree{dir: filepath.Join(temp, "tree"), version: "v0.1.0", temp: temp}
		if err := t.copyCheckout(); err != nil {
			return err
		}
		if err := t.publish(len(args) == 2 && args[1] == "-raw"); err != nil {
			return err
		}
		return t.consume()
	case len(args) == 3 && args[0] == "prepare" && release.MatchString(args[1]):
		dir, err := filepath.Abs(args[2])
		if err != nil {
			return err
		}
		t := tree{dir: dir, version: args[1], temp: temp}
		if err := errors.Join(t.copyCheckout(), t.changelog()); err != nil {
			return err
		}
		if err := errors.Join(t.publish(false), t.consume()); err != nil {
			return err
		}
		t.instructions()
		return nil
	default:
		return errors.New("usage: release check [-raw] | release prepare vX.Y.Z DIR")
	}
}

// tree is a copy of the checkout that becomes a release.
type tree struct {
	dir     string
	version string
	temp    string // for the proxy, the module cache and the consumers
}

// changelog refuses a release that the changelog does not know.
func (t tree) changelog() error {
	text, err := os.ReadFile(filepath.Join(t.dir, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), "\n## ["+strings.TrimPrefix(t.version, "v")+"]") {
		return fmt.Errorf("CHANGELOG.md has no section for %s", t.version)
	}
	return nil
}

func (t tree) instructions() {
	fmt.Printf("\nThe release tree is in %s. Look at it, then:\n\n", t.dir)
	fmt.Printf("    cd %s\n    git checkout --detach && git commit -am 'release %s'\n", t.dir, t.version)
	var tags []string
	for _, module := range published {
		tags = append(tags, strings.TrimPrefix(module+"/", "./")+t.version)
		fmt.Printf("    git tag -s %s -m %s\n", tags[len(tags)-1], t.version)
	}
	fmt.Printf("    git push origin %s\n", strings.Join(tags, " "))
}

// command runs a program in dir, with what a stranger's machine would have: no
// workspace, a module cache of its own, and our modules from the proxy.
func (t tree) command(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...) //nolint:gosec // go and git with fixed arguments
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), t.env()...)
	out, err := cmd.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		err = fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, failed.Stderr)
	}
	return out, err
}

func (t tree) env() []string {
	return []string{
		"GOWORK=off",
		"GOFLAGS=-modcacherw",
		"GOMODCACHE=" + filepath.Join(t.temp, "modules"),
		"GOPROXY=file://" + t.proxy() + "," + upstream(),
		"GONOSUMDB=" + root + "," + root + "/*",
	}
}

func (t tree) proxy() string { return filepath.Join(t.temp, "proxy") }

// upstream is where all other modules come from: what this machine has already
// fetched, then the network.
func upstream() string {
	out, err := exec.Command("go", "env", "GOMODCACHE", "GOPROXY").Output()
	if err != nil {
		return "https://proxy.golang.org"
	}
	cache, proxy, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return "file://" + filepath.Join(cache, "cache", "download") + "," + proxy
}
