package hbase

import (
	"github.com/tsuna/gohbase/pb"
	"google.golang.org/protobuf/proto"

	"feedstream/local/services/hbase/internal/wire"
)

// clusterID is the name under which clients know the cluster.
const clusterID = "feedstream"

func (s *Server) serverName() *pb.ServerName {
	port, started := uint32(s.port), uint64(s.started)
	return &pb.ServerName{HostName: &s.host, Port: &port, StartCode: &started}
}

func (s *Server) masterRunning(*wire.Request) (proto.Message, error) {
	return &pb.IsMasterRunningResponse{IsMasterRunning: proto.Bool(true)}, nil
}

func (s *Server) clusterStatus(*wire.Request) (proto.Message, error) {
	return &pb.GetClusterStatusResponse{ClusterStatus: &pb.ClusterStatus{
		HbaseVersion: &pb.HBaseVersionFileContent{Version: proto.String("2.6.1")},
		ClusterId:    &pb.ClusterId{ClusterId: proto.String(clusterID)},
		Master:       s.serverName(),
		LiveServers:  []*pb.LiveServerInfo{{Server: s.serverName(), ServerLoad: &pb.ServerLoad{}}},
	}}, nil
}
