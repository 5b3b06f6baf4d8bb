import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.ClientQuotaFilter;
import org.apache.kafka.common.serialization.*;

public class Main {

    static final String TOPIC = "clients-kafka-java-" + Calls.at("VERSION");
    static final TopicPartition FIRST = new TopicPartition(TOPIC, 0);

    public static void main(String[] args) {
        Calls calls = new Calls("kafka-clients", Calls.at("VERSION"));
        Admin admin = Admin.create(settings());
        ConfigResource config = new ConfigResource(ConfigResource.Type.TOPIC, TOPIC);
        calls.first("listTopics", () -> Calls.equal(admin.listTopics().names().get().contains("feed-updates"), true));
        calls.call("createTopics", () -> {
            CreateTopicsResult created = admin.createTopics(List.of(new NewTopic(TOPIC, 3, (short) 1)));
            created.all().get();
            Calls.equal(created.numPartitions(TOPIC).get(), 3);
        });
        calls.call("createTopics with settings", () -> {
            CreateTopicsResult created = admin.createTopics(
                List.of(new NewTopic(TOPIC + "-transactions", 1, (short) 1).configs(Map.of("retention.ms", "7200000")))
            );
            created.all().get();
            Calls.equal(
                created
                    .config(TOPIC + "-transactions")
                    .get()
                    .get("retention.ms")
                    .value(),
                "7200000"
            );
        });
        calls.call("describeTopics", () ->
            Calls.equal(admin.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC).partitions().size(), 3)
        );
        calls.call("describeConfigs", () -> admin.describeConfigs(List.of(config)).all().get());
        calls.call("incrementalAlterConfigs", () -> {
            admin
                .incrementalAlterConfigs(
                    Map.of(
                        config,
                        List.of(
                            new AlterConfigOp(new ConfigEntry("retention.ms", "3600000"), AlterConfigOp.OpType.SET)
                        )
                    )
                )
                .all()
                .get();
            Calls.equal(
                admin.describeConfigs(List.of(config)).all().get().get(config).get("retention.ms").value(),
                "3600000"
            );
        });
        calls.call("describeCluster", () -> Calls.equal(admin.describeCluster().nodes().get().isEmpty(), false));
        calls.call("describeFeatures", () -> admin.describeFeatures().featureMetadata().get());
        calls.call("describeLogDirs", () ->
            admin.describeLogDirs(List.of(admin.describeCluster().controller().get().id())).allDescriptions().get()
        );
        calls.call("producer", () -> produce(Map.of("compression.type", "zstd"), 1000));
        calls.call("producer, transactions", Main::transactions);
        calls.call("consumer group", () -> Calls.equal(consume("classic").size(), 1000));
        calls.call("consumer group of KIP-848", () -> Calls.equal(consume("consumer").size(), 1000));
        calls.call("listOffsets", () -> {
            long sum = 0;
            for (int i = 0; i < 3; i++) {
                TopicPartition p = new TopicPartition(TOPIC, i);
                sum += admin.listOffsets(Map.of(p, OffsetSpec.latest())).all().get().get(p).offset();
            }
            Calls.equal(sum, 1000L);
        });
        calls.call("describeProducers", () -> admin.describeProducers(List.of(FIRST)).all().get());
        calls.call("describeConsumerGroups", () ->
            admin
                .describeConsumerGroups(List.of(group("classic")))
                .all()
                .get()
        );
        calls.call("listConsumerGroupOffsets", () ->
            Calls.equal(
                admin.listConsumerGroupOffsets(group("classic")).partitionsToOffsetAndMetadata().get().size(),
                3
            )
        );
        calls.call("alterConsumerGroupOffsets", () -> {
            admin
                .alterConsumerGroupOffsets(group("classic"), Map.of(FIRST, new OffsetAndMetadata(7)))
                .all()
                .get();
            Calls.equal(
                admin
                    .listConsumerGroupOffsets(group("classic"))
                    .partitionsToOffsetAndMetadata()
                    .get()
                    .get(FIRST)
                    .offset(),
                7L
            );
        });
        calls.call("deleteConsumerGroups", () ->
            admin
                .deleteConsumerGroups(List.of(group("classic")))
                .all()
                .get()
        );
        calls.call("describeClientQuotas", () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get());
        calls.call("createPartitions", () -> {
            admin
                .createPartitions(Map.of(TOPIC, NewPartitions.increaseTo(5)))
                .all()
                .get();
            Calls.equal(admin.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC).partitions().size(), 5);
        });
        calls.call("deleteRecords", () ->
            admin
                .deleteRecords(Map.of(FIRST, RecordsToDelete.beforeOffset(1)))
                .all()
                .get()
        );
        calls.call("deleteTopics", () ->
            admin
                .deleteTopics(List.of(TOPIC, TOPIC + "-transactions"))
                .all()
                .get()
        );
        calls.call("describeMetadataQuorum", () -> admin.describeMetadataQuorum().quorumInfo().get());
        calls.end();
    }

    static Properties settings() {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", Calls.at("KAFKA"));
        settings.put("request.timeout.ms", "10000");
        settings.put("default.api.timeout.ms", "15000");
        return settings;
    }

    static String group(String protocol) {
        return TOPIC + "-" + protocol;
    }

    static void produce(Map<String, String> more, int n) throws Exception {
        Properties settings = settings();
        settings.putAll(more);
        try (
            KafkaProducer<String, String> producer = new KafkaProducer<>(
                settings,
                new StringSerializer(),
                new StringSerializer()
            )
        ) {
            List<Future<RecordMetadata>> pending = new ArrayList<>();
            for (int i = 0; i < n; i++) pending.add(producer.send(new ProducerRecord<>(TOPIC, "k" + i, "v" + i)));
            for (Future<RecordMetadata> each : pending) each.get();
        }
    }

    static void transactions() {
        Properties settings = settings();
        settings.put("transactional.id", TOPIC);
        try (
            KafkaProducer<String, String> producer = new KafkaProducer<>(
                settings,
                new StringSerializer(),
                new StringSerializer()
            )
        ) {
            producer.initTransactions();
            for (String value : List.of("aborted", "committed")) {
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(TOPIC + "-transactions", value));
                if (value.equals("aborted")) producer.abortTransaction();
                else producer.commitTransaction();
            }
        }
        Properties reading = settings();
        reading.put("isolation.level", "read_committed");
        try (
            KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
                reading,
                new StringDeserializer(),
                new StringDeserializer()
            )
        ) {
            TopicPartition only = new TopicPartition(TOPIC + "-transactions", 0);
            consumer.assign(List.of(only));
            consumer.seekToBeginning(List.of(only));
            ConsumerRecords<String, String> got = consumer.poll(Duration.ofSeconds(15));
            Calls.equal(got.iterator().next().value(), "committed");
        }
    }

    static Set<String> consume(String protocol) {
        Properties settings = settings();
        settings.put("group.id", group(protocol));
        settings.put("group.protocol", protocol);
        settings.put("auto.offset.reset", "earliest");
        Set<String> values = new HashSet<>();
        try (
            KafkaConsumer<String, String> consumer = new KafkaConsumer<>(
                settings,
                new StringDeserializer(),
                new StringDeserializer()
            )
        ) {
            consumer.subscribe(List.of(TOPIC));
            long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
            while (values.size() < 1000 && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> each : consumer.poll(Duration.ofSeconds(1)))
                    values.add(each.value());
            }
            consumer.commitSync();
        }
        return values;
    }
}
