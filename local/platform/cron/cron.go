// Package cron reads the cron expressions of Function Compute timers.
//
// There are six fields: seconds, minutes, hours, day of month, month, day of week. Days of the week count from 1 (MON)
// to 7 (SUN), unlike in most crons. Times are UTC unless the expression starts with CRON_TZ=<zone>. The other form is
// `@every <duration>`.
package cron

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a machine may have no zones of its own

	robfig "github.com/robfig/cron/v3"
)

// Schedule says when a timer fires.
type Schedule struct {
	inner robfig.Schedule
}

// Next is the first time after t at which the timer fires.
func (s Schedule) Next(t time.Time) time.Time { return s.inner.Next(t) }

// Parse reads an expression. The error says what is wrong and what to write instead, without repeating the expression.
func Parse(expression string) (Schedule, error) {
	if every, ok := strings.CutPrefix(expression, "@every "); ok {
		return parseEvery(every)
	}
	fields := strings.Fields(expression)
	zone := "UTC"
	if len(fields) > 0 {
		if name, ok := strings.CutPrefix(fields[0], "CRON_TZ="); ok {
			zone, fields = name, fields[1:]
		}
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return Schedule{}, fmt.Errorf("time zone %q is no name of the IANA database: write one, as in CRON_TZ=Asia/Shanghai, or leave CRON_TZ out for UTC", zone)
	}
	if len(fields) != 6 {
		return Schedule{}, fmt.Errorf("%d fields: write six, seconds minutes hours day-of-month month day-of-week, or @every 4m",
			len(fields))
	}
	days, err := daysOfWeek(fields[5])
	if err != nil {
		return Schedule{}, err
	}
	fields[5] = days
	parser := robfig.NewParser(robfig.Second | robfig.Minute | robfig.Hour | robfig.Dom | robfig.Month | robfig.Dow)
	inner, err := parser.Parse("CRON_TZ=" + zone + " " + strings.Join(fields, " "))
	if err != nil {
		return Schedule{}, fmt.Errorf("%w: write numbers in range, names, and , - * / between them", err)
	}
	if inner.Next(time.Now()).IsZero() {
		return Schedule{}, errors.New("no such day ever comes: choose another day of month or month")
	}
	return Schedule{inner}, nil
}

func parseEvery(text string) (Schedule, error) {
	d, err := time.ParseDuration(strings.TrimSpace(text))
	if err != nil {
		return Schedule{}, fmt.Errorf("interval %q is no duration: write @every 4m", text)
	}
	if d < time.Second {
		return Schedule{}, fmt.Errorf("interval %s is too short: write at least 1s", d)
	}
	return Schedule{robfig.Every(d)}, nil
}

// daysOfWeek rewrites a field counted 1 to 7 from Monday as the list counted 0 to 6 from Sunday.
func daysOfWeek(field string) (string, error) {
	if field == "*" || field == "?" {
		return "*", nil
	}
	var days []string
	for part := range strings.SplitSeq(field, ",") {
		first, last, step, err := dayRange(part)
		if err != nil {
			return "", err
		}
		for day := first; day <= last; day += step {
			if d := strconv.Itoa(day % 7); !slices.Contains(days, d) {
				days = append(days, d)
			}
		}
	}
	return strings.Join(days, ","), nil
}

func dayRange(part string) (first, last, step int, err error) {
	body, stepText, stepped := strings.Cut(part, "/")
	step = 1
	if stepped {
		if step, err = strconv.Atoi(stepText); err != nil || step < 1 {
			return 0, 0, 0, fmt.Errorf("step %q of day-of-week is no positive number", stepText)
		}
	}
	if body == "*" || body == "?" {
		return 1, 7, step, nil
	}
	from, to, ranged := strings.Cut(body, "-")
	if first, err = day(from); err != nil {
		return 0, 0, 0, err
	}
	last = first
	if ranged {
		if last, err = day(to); err != nil {
			return 0, 0, 0, err
		}
	} else if stepped {
		last = 7
	}
	if last < first {
		return 0, 0, 0, fmt.Errorf("day-of-week %q runs backwards: the week goes from 1 (MON) to 7 (SUN)", body)
	}
	return first, last, step, nil
}

func day(text string) (int, error) {
	names := []string{"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}
	if i := slices.Index(names, strings.ToUpper(text)); i >= 0 {
		return i + 1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 7 {
		return 0, fmt.Errorf("day-of-week %q: write 1 (MON) to 7 (SUN)", text)
	}
	return n, nil
}
