package runtime

import (
	"errors"
	"os/exec"
	"testing"
)

func TestAClosedStarterRefuses(t *testing.T) {
	s := newStarter()
	s.close()
	if err := s.start(exec.Command("/bin/true")); !errors.Is(err, errStopping) {
		t.Errorf("err = %v", err)
	}
}
