CREATE TABLE RtCSQsSummary (
  CSQName VARCHAR(50) NOT NULL PRIMARY KEY, LoggedInAgents INT NOT NULL DEFAULT 0, AvailableAgents INT NOT NULL DEFAULT 0,
  UnavailableAgents INT NOT NULL DEFAULT 0, TotalCalls INT NOT NULL DEFAULT 0, OldestContact INT NOT NULL DEFAULT 0,
  CallsHandled INT NOT NULL DEFAULT 0, CallsAbandoned INT NOT NULL DEFAULT 0, CallsDequeued INT NOT NULL DEFAULT 0,
  AvgTalkDuration INT NOT NULL DEFAULT 0, AvgWaitDuration INT NOT NULL DEFAULT 0, LongestTalkDuration INT NOT NULL DEFAULT 0,
  LongestWaitDuration INT NOT NULL DEFAULT 0, CallsWaiting INT NOT NULL DEFAULT 0, StartDateTime DATETIME NOT NULL,
  EndDateTime DATETIME NOT NULL, WorkingAgents INT NOT NULL DEFAULT 0, TalkingAgents INT NOT NULL DEFAULT 0,
  ReservedAgents INT NOT NULL DEFAULT 0, ConvAvgTalkDuration VARCHAR(25), ConvAvgWaitDuration VARCHAR(25),
  ConvLongestTalkDuration VARCHAR(25), ConvLongestWaitDuration VARCHAR(25), ConvOldestContact VARCHAR(25)
);
CREATE TABLE RtICDStatistics (
  TotalCSQs INT NOT NULL DEFAULT 0, LoggedInAgents INT NOT NULL DEFAULT 0, TalkingAgents INT NOT NULL DEFAULT 0,
  AvailableAgents INT NOT NULL DEFAULT 0, UnavailableAgents INT NOT NULL DEFAULT 0, WorkingAgents INT NOT NULL DEFAULT 0,
  ReservedAgents INT NOT NULL DEFAULT 0, TotalCalls INT NOT NULL DEFAULT 0, CallsWaiting INT NOT NULL DEFAULT 0
);
INSERT INTO RtICDStatistics (TotalCSQs, LoggedInAgents) VALUES (1, 1);
