package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var excerpt = regexp.MustCompile("(?s)```go file=(\\S+)\n(.*?)```")

// An excerpt of a program is as it stands there: each line, in one piece.
func TestExcerptsOfProgramsAreInThem(t *testing.T) {
	seen := 0
	for page, text := range pages(t) {
		for _, found := range excerpt.FindAllStringSubmatch(text, -1) {
			seen++
			program, err := os.ReadFile(filepath.Join(root, found[1]))
			if err != nil {
				t.Errorf("%s: %v", page, err)
			} else if !strings.Contains(string(program), found[2]) {
				t.Errorf("%s: this is not in %s:\n%s", page, found[1], found[2])
			}
		}
	}
	if seen < 4 {
		t.Errorf("only %d excerpts were found", seen)
	}
}

var aTest = regexp.MustCompile("`([a-z/]+\\.Test\\w+)`")

// A test that a page names is one of those that hold a guarantee, which step
// guarantees runs.
func TestTestsThatThePagesNameHoldAGuarantee(t *testing.T) {
	all := pages(t)
	for page, text := range all {
		for _, found := range aTest.FindAllStringSubmatch(text, -1) {
			if page != "CHANGELOG.md" && !strings.Contains(all["docs/guarantees.md"], found[0]) {
				t.Errorf("%s: %s is not in docs/guarantees.md", page, found[1])
			}
		}
	}
}
