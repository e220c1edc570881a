CREATE TABLE vicidial_live_agents (
  live_agent_id INT(9) UNSIGNED AUTO_INCREMENT PRIMARY KEY NOT NULL,
  user VARCHAR(20), server_ip VARCHAR(15) NOT NULL DEFAULT '10.0.0.5', status VARCHAR(8) DEFAULT 'PAUSED',
  lead_id INT(9) UNSIGNED NOT NULL DEFAULT 0, campaign_id VARCHAR(8), uniqueid VARCHAR(20), callerid VARCHAR(20),
  last_call_time DATETIME, last_update_time TIMESTAMP, last_call_finish DATETIME, closer_campaigns VARCHAR(2000),
  calls_today SMALLINT(5) UNSIGNED DEFAULT 0, last_state_change DATETIME, pause_code VARCHAR(6) DEFAULT '',
  KEY (last_call_time), KEY (last_update_time)
) ENGINE=MEMORY;
CREATE TABLE vicidial_auto_calls (
  auto_call_id INT(9) UNSIGNED AUTO_INCREMENT PRIMARY KEY NOT NULL,
  server_ip VARCHAR(15) NOT NULL DEFAULT '10.0.0.5', campaign_id VARCHAR(20), status VARCHAR(12) DEFAULT 'PAUSED',
  lead_id INT(9) UNSIGNED NOT NULL DEFAULT 0, uniqueid VARCHAR(20), callerid VARCHAR(20), phone_number VARCHAR(18),
  call_time DATETIME, call_type ENUM('IN','OUT','OUTBALANCE') DEFAULT 'OUT', stage VARCHAR(20) DEFAULT 'START',
  last_update_time TIMESTAMP, KEY (uniqueid), KEY (callerid), KEY (call_time), KEY (last_update_time)
) ENGINE=MEMORY;
CREATE TABLE vicidial_closer_log (
  closecallid INT(9) UNSIGNED AUTO_INCREMENT PRIMARY KEY NOT NULL, lead_id INT(9) UNSIGNED NOT NULL DEFAULT 0,
  campaign_id VARCHAR(20), call_date DATETIME, start_epoch INT(10) UNSIGNED, end_epoch INT(10) UNSIGNED, length_in_sec INT(10),
  status VARCHAR(6), phone_number VARCHAR(18), user VARCHAR(20), queue_seconds DECIMAL(7,2) DEFAULT 0,
  xfercallid INT(9) UNSIGNED,
  term_reason ENUM('CALLER','AGENT','QUEUETIMEOUT','ABANDON','AFTERHOURS','HOLDRECALLXFER','HOLDTIME','NOAGENT','NONE','MAXCALLS','ACFILTER','CLOSETIME') DEFAULT 'NONE',
  uniqueid VARCHAR(20) NOT NULL DEFAULT '', KEY (lead_id), KEY (call_date), KEY (campaign_id), KEY (uniqueid)
) ENGINE=MyISAM;
CREATE TABLE vicidial_log (
  uniqueid VARCHAR(20) PRIMARY KEY NOT NULL, lead_id INT(9) UNSIGNED NOT NULL DEFAULT 0, campaign_id VARCHAR(8), call_date DATETIME,
  start_epoch INT(10) UNSIGNED, end_epoch INT(10) UNSIGNED, length_in_sec INT(10), status VARCHAR(6), phone_number VARCHAR(18),
  user VARCHAR(20), term_reason VARCHAR(16) DEFAULT 'NONE', KEY (lead_id), KEY (call_date)
) ENGINE=MyISAM;
CREATE TABLE vicidial_users (
  user_id INT(9) UNSIGNED AUTO_INCREMENT PRIMARY KEY NOT NULL, user VARCHAR(20) NOT NULL, pass VARCHAR(100) NOT NULL DEFAULT '',
  full_name VARCHAR(50), UNIQUE KEY (user)
) ENGINE=MyISAM;
CREATE TABLE vicidial_campaigns (campaign_id VARCHAR(8) PRIMARY KEY NOT NULL, campaign_name VARCHAR(40), active ENUM('Y','N')) ENGINE=MyISAM;
CREATE TABLE vicidial_inbound_groups (group_id VARCHAR(20) PRIMARY KEY NOT NULL, group_name VARCHAR(30), active ENUM('Y','N')) ENGINE=MyISAM;
CREATE TABLE vicidial_statuses (
  status VARCHAR(6) PRIMARY KEY NOT NULL, status_name VARCHAR(30), human_answered ENUM('Y','N') DEFAULT 'N', sale ENUM('Y','N') DEFAULT 'N'
) ENGINE=MyISAM;
CREATE TABLE vicidial_campaign_statuses (
  status VARCHAR(6) NOT NULL, status_name VARCHAR(30), campaign_id VARCHAR(20), human_answered ENUM('Y','N') DEFAULT 'N',
  sale ENUM('Y','N') DEFAULT 'N', KEY (campaign_id)
) ENGINE=MyISAM;
CREATE TABLE vicidial_campaign_stats (
  campaign_id VARCHAR(20) PRIMARY KEY NOT NULL, update_time TIMESTAMP, calls_today INT(9) UNSIGNED DEFAULT 0,
  answers_today INT(9) UNSIGNED DEFAULT 0, drops_today DECIMAL(12,3) DEFAULT 0, drops_answers_today_pct VARCHAR(6) DEFAULT '0'
) ENGINE=MyISAM;
INSERT INTO vicidial_statuses (status, status_name, human_answered, sale) VALUES
  ('NEW','New Lead','N','N'), ('QUEUE','Lead To Be Called','N','N'), ('INCALL','Lead Being Called','N','N'),
  ('DROP','Agent Not Available','Y','N'), ('NA','No Answer AutoDial','N','N'), ('AB','Busy Auto','N','N'),
  ('AA','Answering Machine Auto','N','N'), ('ADC','Disconnected Number Auto','N','N'), ('NI','Not Interested','Y','N'),
  ('SALE','Sale Made','Y','Y'), ('CALLBK','Call Back','Y','N'), ('XFER','Call Transferred','Y','N'), ('TIMEOT','Inbound Queue Timeout Drop','Y','N');
INSERT INTO vicidial_campaign_statuses (status, status_name, campaign_id, human_answered, sale) VALUES ('APPT','Appointment','TELESALE','Y','Y'), ('SALE','Sale elsewhere','SURVEY','Y','N');
INSERT INTO vicidial_campaigns VALUES ('TELESALE','Telesales','Y'), ('SURVEY','Survey','Y'), ('OLD','Old','N');
INSERT INTO vicidial_inbound_groups VALUES ('sales','Sales','Y'), ('support','Support','Y'), ('closed','Closed','N');
INSERT INTO vicidial_users (user, pass, full_name) VALUES ('6001','x','Li Wei 李伟'), ('6002','x','Zhang Min 张敏');
