package winsvc

import (
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"

	"github.com/steadgo/stead/hosted"
)

// IsService reports whether the service manager of Windows started the program. If
// that cannot be found out, it returns false.
func IsService() bool {
	yes, err := svc.IsWindowsService()
	return err == nil && yes
}

func serve(h *hosted.Host, s settings) int {
	log := slog.New(slog.DiscardHandler)
	if s.source != "" {
		// Without the event log there is nobody left to tell why there is none.
		if l, err := eventlog.Open(s.source); err == nil {
			defer func() { _ = l.Close() }()
			log = slog.New(newEventHandler(l))
		}
	}
	m := &manager{host: h, log: log, code: 1} // 1 as well if Windows breaks off
	if err := svc.Run("", m); err != nil {    // of a process of its own Windows ignores the name
		fmt.Fprintln(os.Stderr, "stead/winsvc: run:", err)
		log.Error("service not run", "error", err)
		return 1
	}
	return m.code
}

// manager speaks to the service manager.
type manager struct {
	host *hosted.Host
	log  *slog.Logger
	code int // set when the host has ended
}

// Execute implements svc.Handler: svc.Run calls it.
func (m *manager) Execute(_ []string, requests <-chan svc.ChangeRequest, statuses chan<- svc.Status) (specific bool, code uint32) {
	controls, done := make(chan control), make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case r := <-requests:
				select {
				case controls <- controlOf(r.Cmd):
				case <-done:
					return
				}
			case <-done:
				return
			}
		}
	}()
	m.code = run(m.host, m.log, controls, func(s status) { statuses <- statusOf(s) })
	return true, uint32(m.code)
}

// controlOf translates what was accepted; anything else is asked for in vain.
func controlOf(cmd svc.Cmd) control {
	switch cmd {
	case svc.Stop:
		return stop
	case svc.Shutdown, svc.PreShutdown:
		return shutdown
	case svc.ParamChange:
		return paramChange
	default:
		return interrogate
	}
}

func statusOf(s status) svc.Status {
	is := svc.Status{CheckPoint: s.checkpoint, WaitHint: uint32(s.hint.Milliseconds())}
	switch s.state {
	case startPending: // accepts nothing: the manager refuses to ask for a stop meanwhile
		is.State = svc.StartPending
	case running:
		is.State = svc.Running
		is.Accepts = svc.AcceptStop | svc.AcceptShutdown | svc.AcceptPreShutdown | svc.AcceptParamChange
	case stopPending:
		is.State = svc.StopPending
	}
	return is
}
