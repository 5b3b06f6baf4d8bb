package kafka

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
)

// removeOrphans deletes the segments of partitions that no topic claims. A topic's entry is what
// makes it exist, its segments are not; were the topic created again, the broker would append to
// segments it finds, and hand out the old records beside the new ones.
func removeOrphans(dir string, log *slog.Logger) error {
	partitions := filepath.Join(dir, "partitions")
	found, err := os.ReadDir(partitions)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(found) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("kafka: list the partitions: %w", err)
	}
	claimed, err := claimedPartitions(dir)
	if err != nil {
		return err
	}
	for _, entry := range found {
		if claimed[entry.Name()] {
			continue
		}
		log.Warn("remove the segments of a partition that no topic claims", "partition", entry.Name())
		if err := os.RemoveAll(filepath.Join(partitions, entry.Name())); err != nil {
			return fmt.Errorf("kafka: remove an orphan partition: %w", err)
		}
	}
	return nil
}

// claimedPartitions returns the directory names of the partitions of every topic in the list. A list
// that is absent or unreadable beside partitions is an error, never a reason to delete them all.
func claimedPartitions(dir string) (map[string]bool, error) {
	topics, err := topicsOnDisk(dir)
	if err != nil {
		return nil, fmt.Errorf("kafka: partitions without a list of topics: restore it or empty the directory: %w", err)
	}
	claimed := make(map[string]bool)
	for _, t := range topics {
		for p := range t.Partitions {
			claimed[t.partition(p)] = true
		}
	}
	return claimed, nil
}

// topicList is kfake's own list of the topics.
type topicList []storedTopic

type storedTopic struct {
	Name       string `json:"name"`
	ID         string `json:"id"`
	Partitions int    `json:"partitions"`
}

// partition is the name of a partition's directory.
func (t storedTopic) partition(p int) string { return fmt.Sprintf("%s-%d", url.PathEscape(t.Name), p) }

func (l topicList) id(name string) string {
	i := slices.IndexFunc(l, func(t storedTopic) bool { return t.Name == name })
	if i < 0 {
		return ""
	}
	return l[i].ID
}

func (l topicList) name(id string) string {
	i := slices.IndexFunc(l, func(t storedTopic) bool { return t.ID == id })
	if i < 0 {
		return ""
	}
	return l[i].Name
}

func topicsOnDisk(dir string) (topicList, error) {
	list := filepath.Join(dir, "topics.json")
	data, err := os.ReadFile(list)
	if err != nil {
		return nil, err
	}
	var stored struct{ Topics topicList }
	if err := json.Unmarshal(data, &stored); err != nil {
		return nil, fmt.Errorf("kafka: read the list of topics %s: %w", list, err)
	}
	return stored.Topics, nil
}
