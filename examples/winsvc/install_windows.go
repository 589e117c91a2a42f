package main

import (
	"errors"
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

// install makes this program a service that starts with the system, and a source of
// the event log.
func install() error {
	path, err := os.Executable()
	if err != nil {
		return err
	}
	return manage(func(m *mgr.Mgr) (err error) {
		s, err := m.CreateService(serviceName, path, mgr.Config{
			DisplayName: "Stead example", Description: "Packs orders.", StartType: mgr.StartAutomatic, DelayedAutoStart: true,
		})
		if err != nil {
			return fmt.Errorf("create the service: %w", err)
		}
		defer func() {
			if err != nil { // nothing half installed
				err = errors.Join(err, s.Delete())
			}
			err = errors.Join(err, s.Close())
		}()
		if err := configure(s); err != nil {
			return err
		}
		if err := eventlog.InstallAsEventCreate(serviceName, eventlog.Info|eventlog.Warning|eventlog.Error); err != nil {
			return fmt.Errorf("install the source of events: %w", err)
		}
		return nil
	})
}

func configure(s *mgr.Service) error {
	// Windows restarts it after a failure: at once, after a minute, then not before a
	// day without failures has passed. A program that ends with a code other than 0 has
	// failed too, which is not the default.
	again := []mgr.RecoveryAction{
		{Type: mgr.ServiceRestart},
		{Type: mgr.ServiceRestart, Delay: time.Minute},
		{Type: mgr.NoAction},
	}
	if err := s.SetRecoveryActions(again, uint32((24 * time.Hour).Seconds())); err != nil {
		return fmt.Errorf("set the recovery: %w", err)
	}
	if err := s.SetRecoveryActionsOnNonCrashFailures(true); err != nil {
		return fmt.Errorf("set the recovery: %w", err)
	}
	// At a shutdown of the system Windows waits this long, and 10 s by default.
	most := uint32((budget + 5*time.Second).Milliseconds())
	err := windows.ChangeServiceConfig2(s.Handle, windows.SERVICE_CONFIG_PRESHUTDOWN_INFO, (*byte)(unsafe.Pointer(&most)))
	if err != nil {
		return fmt.Errorf("set the time for a shutdown: %w", err)
	}
	return nil
}

// remove undoes install. A service that runs goes when it has stopped.
func remove() error {
	return manage(func(m *mgr.Mgr) error {
		s, err := m.OpenService(serviceName)
		if err != nil {
			return fmt.Errorf("open the service: %w", err)
		}
		return errors.Join(s.Delete(), s.Close(), eventlog.Remove(serviceName))
	})
}

func manage(do func(*mgr.Mgr) error) error {
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("connect to the service manager, as an administrator: %w", err)
	}
	return errors.Join(do(m), m.Disconnect())
}
