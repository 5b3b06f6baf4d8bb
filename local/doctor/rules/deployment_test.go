package rules

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"feedstream/shared/config"
)

const root = "../../../"

// filledIn is .env.example as someone who deploys fills it in.
func filledIn(t testing.TB) map[string]string {
	t.Helper()
	values, err := config.ReadFile(root + ".env.example")
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(values, map[string]string{
		"FEED_REGION":            "cn-hangzhou",
		"FEED_ACCOUNT_ID":        "1649015465571234",
		"FEED_VPC_ID":            "vpc-bp1aevy8sofi8mh1q4321",
		"FEED_VSWITCH_ID":        "vsw-bp1aevy8sofi8mh1q5678",
		"FEED_SECURITY_GROUP_ID": "sg-bp1aevy8sofi8mh1q8765",
		"FEED_KAFKA_INSTANCE":    "alikafka_post-cn-i7m2t7t1x000",
		"KAFKA_BROKERS":          "alikafka-post-cn-i7m2t7t1x000-1-vpc.alikafka.aliyuncs.com:9092,10.0.0.7:9092",
		"HBASE_ZOOKEEPER":        "hb-bp1d-master1-001.hbase.rds.aliyuncs.com:2181",
		"OSS_ENDPOINT":           "https://oss-cn-hangzhou-internal.aliyuncs.com",
		"MONGODB_URI":            "mongodb://feed:s3cret@dds-bp1.mongodb.rds.aliyuncs.com:3717/admin",
	})
	for name, value := range values {
		switch {
		case strings.Contains(name, "ROLE"):
			values[name] = "acs:ram::1649015465571234:role/feedstream"
		case value == "" && strings.HasPrefix(name, "FEED_"):
			values[name] = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		}
	}
	return values
}

// world is a copy of the product's s.yaml with its zips beside it, and the environment of who deploys.
type world struct {
	path     string
	manifest string
	env      map[string]string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	content, err := os.ReadFile(root + "s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{path: filepath.Join(t.TempDir(), "s.yaml"), manifest: string(content), env: filledIn(t)}
	for _, m := range regexp.MustCompile(`(?m)^\s+code: \./(\S+/(\w+)\.zip)$`).FindAllStringSubmatch(w.manifest, -1) {
		w.zip(t, m[1], m[2], 0o755, program(elf.EM_X86_64, false))
	}
	return w
}

// zip makes an archive of one file below the folder of the manifest.
func (w *world) zip(t testing.TB, path, entry string, mode fs.FileMode, content []byte) {
	t.Helper()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	header := &zip.FileHeader{Name: entry, Method: zip.Deflate}
	header.SetMode(mode)
	file, err := z.CreateHeader(header)
	if err == nil {
		_, err = file.Write(content)
	}
	if err == nil {
		err = z.Close()
	}
	path = filepath.Join(filepath.Dir(w.path), path)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, archive.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pad makes an archive longer by a hole before it, as a self-extracting one has its program there.
func (w *world) pad(t testing.TB, path string, hole int64) {
	t.Helper()
	path = filepath.Join(filepath.Dir(w.path), path)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteAt(content, hole)
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

func (w *world) check(t testing.TB) []Problem {
	t.Helper()
	if err := os.WriteFile(w.path, []byte(w.manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	problems, err := Check(w.path, func(name string) (string, bool) { value, set := w.env[name]; return value, set })
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

// program is the head of a program for Linux; one that is not static names its loader.
func program(machine elf.Machine, dynamic bool) []byte {
	var out bytes.Buffer
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: 1, Ehsize: 64, Phoff: 64, Phentsize: 56, Shentsize: 64}
	copy(header.Ident[:], []byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1})
	if dynamic {
		header.Phnum = 1
	}
	_ = binary.Write(&out, binary.LittleEndian, header)
	if dynamic {
		_ = binary.Write(&out, binary.LittleEndian, elf.Prog64{Type: uint32(elf.PT_INTERP), Off: 120})
	}
	return out.Bytes()
}
