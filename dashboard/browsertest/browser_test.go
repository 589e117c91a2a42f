//go:build extra

package browsertest

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// quit ends the browser, if one was started.
var quit = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	quit()
	os.Exit(code)
}

// theBrowser starts the one browser of all tests. A start takes seconds; each test has a tab
// of its own, which shares nothing with the others. Its files are in a folder that chromedp
// makes and removes: a process of the browser may outlive it and still write there.
var theBrowser = sync.OnceValues(func() (context.Context, error) {
	options := []chromedp.ExecAllocatorOption{
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.NoDefaultBrowserCheck, chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("hide-scrollbars", true),
		// No tab is less urgent than another.
		chromedp.Flag("disable-background-timer-throttling", true),
		chromedp.Flag("disable-backgrounding-occluded-windows", true),
		chromedp.Flag("disable-renderer-backgrounding", true),
	}
	if path := os.Getenv("STEAD_TEST_BROWSER"); path != "1" {
		options = append(options, chromedp.ExecPath(path))
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, leave := chromedp.NewContext(allocator)
	quit = func() {
		bounded, cancel := context.WithTimeout(ctx, patience)
		_ = chromedp.Cancel(bounded)
		cancel()
		leave()
		end()
	}
	late := time.AfterFunc(patience, leave)
	defer late.Stop()
	return ctx, chromedp.Do(ctx)
})
