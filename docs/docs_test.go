// Package docs_test holds the pages to what they say: their programs build and
// stop, their commands run, their links lead somewhere.
package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// root is the repository, seen from here.
const root = ".."

// pages returns the text of every page of the repository by its path.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "docs/*/*/*.md", "examples/*/*.md", "deploy/*.md", "deploy/*/*.md", "bench/*.md", "template/*/*.md"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, _ := filepath.Rel(root, file)
			all[filepath.ToSlash(name)] = string(text)
		}
	}
	if len(all) < 10 {
		t.Fatalf("only %d pages", len(all))
	}
	return all
}

var (
	link   = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	fences = regexp.MustCompile("(?s)```.*?```")
)

func TestLinksLeadToFilesThatAreThere(t *testing.T) {
	for page, text := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
			target := filepath.Join(root, filepath.Dir(page), found[1])
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, found[1], err)
			}
		}
	}
}

var (
	heading = regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
	anchor  = regexp.MustCompile(`\]\(([^)#:]*)#([^)]+)\)`)
	dropped = regexp.MustCompile(`[^a-z0-9_ -]`)
)

// slug is what GitHub makes of a heading.
func slug(title string) string {
	return strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
}

func TestLinksIntoAPageLeadToAHeading(t *testing.T) {
	all := pages(t)
	headings := map[string]map[string]bool{}
	for page, text := range all {
		headings[page] = map[string]bool{}
		for _, found := range heading.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
			headings[page][slug(found[1])] = true
		}
	}
	for page, text := range all {
		for _, found := range anchor.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
			target := page
			if found[1] != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), found[1]))
			}
			if !headings[target][found[2]] {
				t.Errorf("%s: %s has no heading for #%s", page, target, found[2])
			}
		}
	}
}

// covered says where a command of a page is run: "here", by TestTheQuickCommandsRun; by a
// step of .ci/run; or by the TestProgram of an example. A command that
// starts with another one's text and a space is that command with arguments.
var covered = map[string]string{
	"go version":    "here",
	"go test ./...": "step consumer",
	"go run .":      "step consumer",
	"go run golang.org/x/tools/cmd/gonew@latest github.com/steadgo/stead/template/worker": "step consumer",
	"go test work": "step race",
	"go test -race -shuffle=on -tags=extra work":   "step race",
	"go test -bench 1000Queues ./metrics":          "step bench",
	"go run ./bench/cmd/beside":                    "here",
	"go run ./bench/cmd/compare":                   "step bench",
	"go run ./bench/cmd/compare -overview":         "TestTheOverviewInTheReadmeIsDrawnFromItsFiles",
	"go run ./bench/cmd/compare -tables":           "TestTheTablesOfThePageAreThoseOfItsFiles",
	"go run ./bench/cmd/durable":                   "here",
	"go run ./bench/cmd/hosting":                   "step bench",
	"go run ./bench/cmd/ticking":                   "step bench",
	"make help":                                    "here",
	"make ci":                                      "here",
	"make mutants":                                 "step mutants",
	"bash docs/internals/model/check.sh":           "step model",
	"bash .ci/run":                                 "here",
	"curl":                                         "example webapp",
	"curl -d email=ada@example.com localhost:8080": "TestTheProgramInTheReadmeSendsTheMailThatCtrlCInterrupts",
	"go test -v -parallel":                         "step servers",
	"go test -v -run Chaos ./faulttest":            "step servers",
	"docker stop -t 30":                            "", // of other people's programs
}

var command = regexp.MustCompile(`^(?:\$ )?((?:[A-Z_]+=\S+ )*)((?:go (?:run|test|get|version|vet|build)|gonew|make|bash|sh|curl|docker|kubectl|podman|promtool|spin) ?[^|&;]*)`)

// commands of a page are the lines of indented and fenced blocks that begin with
// a program we know. What follows two spaces is a remark.
func commands(text string) (all []string) {
	fenced := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "```"); ok {
			if fenced != "" {
				fenced = ""
			} else if fenced = rest; rest == "" {
				fenced = "text"
			}
			continue
		}
		indented, ok := strings.CutPrefix(line, "    ")
		if fenced == "sh" || fenced == "text" || fenced == "console" {
			indented, ok = line, true
		}
		if fenced != "" && fenced != "sh" && fenced != "text" && fenced != "console" || !ok {
			continue
		}
		if found := command.FindStringSubmatch(strings.TrimSpace(indented)); found != nil {
			line, _, _ := strings.Cut(found[2], "  ")
			line, _, _ = strings.Cut(line, " #")
			all = append(all, strings.TrimSpace(line))
		}
	}
	return all
}

func TestEveryCommandOfThePagesIsRunSomewhere(t *testing.T) {
	steps, err := os.ReadFile(filepath.Join(root, ".ci/step"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for page, text := range pages(t) {
		for _, line := range commands(text) {
			seen++
			how, ok := lookUp(line)
			switch kind, name, _ := strings.Cut(how, " "); {
			case !ok:
				t.Errorf("%s: nothing runs %q", page, line)
			case kind == "step" && !strings.Contains(string(steps), "step_"+name+"()"):
				t.Errorf("%s: %q is said to be run by step %s, which is not there", page, line, name)
			case kind == "example":
				if found, _ := filepath.Glob(filepath.Join(root, "examples", name, "*_test.go")); len(found) == 0 {
					t.Errorf("%s: %q is said to be run by the test of example %s, which has none", page, line, name)
				}
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d commands were found", seen)
	}
}

// lookUp finds the longest command that line is or begins with.
func lookUp(line string) (how string, ok bool) {
	if name, isExample := strings.CutPrefix(line, "go run ./examples/"); isExample {
		name, _, _ = strings.Cut(name, " ")
		return "example " + name, true
	}
	if rest, isStep := strings.CutPrefix(line, "bash .ci/run "); isStep {
		name, _, _ := strings.Cut(rest, " ")
		return "step " + name, true
	}
	longest := -1
	for c, h := range covered {
		if (line == c || strings.HasPrefix(line, c+" ")) && len(c) > longest {
			how, ok, longest = h, true, len(c)
		}
	}
	return how, ok
}
